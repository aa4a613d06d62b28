# The peers in R: drc (LL.5), minpack.lm (nlsLM), nplr. Called by benchmarks/peers.py:
#
#   Rscript benchmarks/peers.R curves.csv fits.csv
#
# curves.csv holds scenario, curve, x, y, w; fits.csv gets a row per peer and curve: the weighted sum
# of squares reached (empty where the fit failed) and whether the peer gave an answer; a row
# per peer in fits.csv.peers: package, version (empty: not installed) and processor time.
#
# drc and nlsLM take the weights differently: drc multiplies residuals by them (1/sd), nls squares
# are multiplied by them (1/variance). nplr has weighting rules of its own and rescales y to 0..1: its
# speed and convergence are comparable, its optimum is not. drc and nlsLM look the weights up among the
# columns of the data first, one of which is called curve: so w stands alone below.

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) stop("usage: Rscript peers.R curves.csv fits.csv")
levels <- read.csv(arguments[1], stringsAsFactors = FALSE)
curves <- split(levels, list(levels$scenario, levels$curve), drop = TRUE)

logistic <- function(x, a, d, b, logc, g) d + (a - d) / (1 + exp(b * (log(x) - logc)))^g
objective <- function(curve, fitted) sum(curve$w * (curve$y - fitted)^2)

by_drc <- function(curve, control = drc::drmc()) {
  fit <- drc::drm(
    y ~ x, data = curve, fct = drc::LL.5(), weights = sqrt(w), control = control
  )
  if (!fit$fit$convergence) stop("not converged")
  objective(curve, fitted(fit))
}

by_drc_tight <- function(curve) by_drc(curve, drc::drmc(relTol = 1e-12, maxIt = 2000))

by_nls_lm <- function(curve) {
  start <- list(
    a = min(curve$y), d = max(curve$y), b = 1, logc = mean(log(curve$x[curve$x > 0])), g = 1
  )
  fit <- minpack.lm::nlsLM(
    y ~ logistic(x, a, d, b, logc, g), data = curve, start = start, weights = w,
    control = minpack.lm::nls.lm.control(maxiter = 500)
  )
  if (!fit$convInfo$isConv) stop("not converged")
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

fits <- list()
about <- list()
for (name in names(peers)) {
  package <- peers[[name]]$package
  if (!requireNamespace(package, quietly = TRUE)) {
    about[[name]] <- data.frame(peer = name, package = package, version = "", seconds = NA)
    next
  }
  reached <- rep(NA_real_, length(curves))
  answered <- logical(length(curves))
  spent <- system.time(
    for (i in seq_along(curves)) {
      value <- suppressWarnings(suppressMessages(
        tryCatch(peers[[name]]$fit(curves[[i]]), error = function(e) NULL)
      ))
      answered[i] <- !is.null(value)
      if (answered[i]) reached[i] <- value
    }
  )
  fits[[name]] <- data.frame(
    peer = name,
    scenario = vapply(curves, function(curve) curve$scenario[1], ""),
    curve = vapply(curves, function(curve) curve$curve[1], 0L),
    answered = answered,
    objective = format(reached, digits = 17)
  )
  about[[name]] <- data.frame(
    peer = name, package = package, version = as.character(packageVersion(package)),
    seconds = spent[["user.self"]] + spent[["sys.self"]]
  )
}
write.csv(do.call(rbind, fits), arguments[2], row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, about), paste0(arguments[2], ".peers"), row.names = FALSE)
