# The peers in R on the curves of benchmarks/solver.py: drc (LL.5), minpack.lm (nlsLM), nplr.
#
#   python benchmarks/solver.py --export curves.csv
#   Rscript benchmarks/peers.R curves.csv [table.txt]
#
# Runs where R with drc, minpack.lm and nplr is installed; packages that are not are left out, and
# the table says so. It prints, per package, curves per second, the share that converged, and the
# share whose weighted sum of squares is within 1e-6 of the best that any of them reached. Its speed
# is to be set against that of benchmarks/solver.py run on the same machine at the same time.
#
# drc and nlsLM take the weights differently: drc multiplies residuals by them (1/sd), nls squares
# are multiplied by them (1/variance). nplr has weighting rules of its own and rescales y to 0..1: its
# speed and convergence are comparable, its optimum is not.

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) < 1) stop("usage: Rscript peers.R curves.csv [table.txt]")
wells <- read.csv(arguments[1], stringsAsFactors = FALSE)
curves <- split(wells, list(wells$scenario, wells$curve), drop = TRUE)

logistic <- function(x, a, d, b, logc, g) d + (a - d) / (1 + exp(b * (log(x) - logc)))^g
objective <- function(curve, fitted) sum(curve$w * (curve$y - fitted)^2)

by_drc <- function(curve) {
  fit <- drc::drm(y ~ x, data = curve, fct = drc::LL.5(), weights = sqrt(curve$w))
  if (!fit$fit$convergence) stop("not converged")
  objective(curve, fitted(fit))
}

by_drc_tight <- function(curve) {
  fit <- drc::drm(
    y ~ x, data = curve, fct = drc::LL.5(), weights = sqrt(curve$w),
    control = drc::drmc(relTol = 1e-12, maxIt = 2000)
  )
  if (!fit$fit$convergence) stop("not converged")
  objective(curve, fitted(fit))
}

by_nls_lm <- function(curve) {
  start <- list(
    a = min(curve$y), d = max(curve$y), b = 1, logc = mean(log(curve$x[curve$x > 0])), g = 1
  )
  fit <- minpack.lm::nlsLM(
    y ~ logistic(x, a, d, b, logc, g), data = curve, start = start, weights = curve$w,
    control = minpack.lm::nls.lm.control(maxiter = 500)
  )
  objective(curve, fitted(fit))
}

by_nplr <- function(curve) {
  positive <- curve[curve$x > 0, ]
  low <- min(positive$y)
  span <- diff(range(positive$y))
  fit <- nplr::nplr(positive$x, (positive$y - low) / span, npars = 5, silent = TRUE)
  values <- nplr::getFitValues(fit)
  if (any(!is.finite(values))) stop("not converged")
  NA_real_
}

peers <- list(
  "drc LL.5" = list(package = "drc", fit = by_drc),
  "drc LL.5, tight" = list(package = "drc", fit = by_drc_tight),
  "minpack.lm nlsLM" = list(package = "minpack.lm", fit = by_nls_lm),
  "nplr" = list(package = "nplr", fit = by_nplr)
)

reached <- matrix(
  NA_real_, length(curves), length(peers), dimnames = list(names(curves), names(peers))
)
converged <- seconds <- setNames(rep(NA_real_, length(peers)), names(peers))
for (name in names(peers)) {
  if (!requireNamespace(peers[[name]]$package, quietly = TRUE)) next
  ok <- logical(length(curves))
  seconds[name] <- system.time(
    for (i in seq_along(curves)) {
      value <- suppressWarnings(suppressMessages(
        tryCatch(peers[[name]]$fit(curves[[i]]), error = function(e) NULL)
      ))
      ok[i] <- !is.null(value)
      if (ok[i]) reached[i, name] <- value
    }
  )["elapsed"]
  converged[name] <- mean(ok)
}

best <- suppressWarnings(apply(reached, 1, min, na.rm = TRUE))
lines <- c(
  sprintf("%s; %d curves", R.version.string, length(curves)),
  sprintf("%-18s %10s %10s %12s", "", "curves/s", "converged", "<= 1e-6")
)
for (name in names(peers)) {
  package <- peers[[name]]$package
  if (is.na(seconds[name])) {
    lines <- c(lines, sprintf("%-18s %s is not installed", name, package))
    next
  }
  good <- if (all(is.na(reached[, name]))) {
    "-"
  } else {
    within <- !is.na(reached[, name]) & reached[, name] <= best * (1 + 1e-6)
    sprintf("%.0f %%", 100 * mean(within))
  }
  lines <- c(lines, sprintf(
    "%-18s %10.0f %9.0f%% %12s   (%s %s)", name, length(curves) / seconds[name],
    100 * converged[name], good, package, as.character(packageVersion(package))
  ))
}
writeLines(lines)
if (length(arguments) > 1) writeLines(lines, arguments[2])
