// What every page uses: elements, numbers, the voice, the colours.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// Texts become text nodes, never markup: nothing that a file says can run.
const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

function show(host, ...children) {
  host.replaceChildren(...children.flat().filter((child) => child));
}

function number(value) {
  if (value === null || value === undefined) return "–";
  if (value === "inf") return "∞";
  if (value === "-inf") return "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace("+", "").replaceAll("-", "−");
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 2 : 3;
  const text = size < 1 ? String(Number(value.toPrecision(digits))) : value.toFixed(digits);
  return (text.includes(".") ? text.replace(/\.?0+$/, "") : text).replace("-", "−");
}

const whole = (value) => (value === null || value === undefined ? "–" : String(Math.round(value)));
const percent = (value) => (value === null ? "–" : `${whole(value)} %`);
const known = (value) => typeof value === "number" && Number.isFinite(value);
const plural = (count, one, many) => `${count} ${count === 1 ? one : many || one + "s"}`;

const facts = (pairs) => pairs.map(([term, text]) =>
  el("div", {}, el("dt", {}, term), el("dd", {}, text)));

function say(text) {
  $("voice").textContent = "";
  window.setTimeout(() => { $("voice").textContent = text; }, 30);
}

const THEMES = ["", "light", "dark"];

function turnTheme() {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.dataset.theme || "") + 1) % THEMES.length];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  $("theme").textContent = `Colours: ${next || "as the system"}`;
}

// Paper cannot be unfolded: what is folded is opened while printing.
let folded = [];

function unfold() {
  folded = [...document.querySelectorAll("main section:not(#words) details:not([open])")];
  for (const node of folded) node.open = true;
}

function foldAgain() {
  for (const node of folded) node.open = false;
  folded = [];
}

function begin() {
  document.documentElement.classList.add("with-script");
  $("theme").addEventListener("click", turnTheme);
  $("print").addEventListener("click", () => window.print());
  window.addEventListener("beforeprint", unfold);
  window.addEventListener("afterprint", foldAgain);
}
