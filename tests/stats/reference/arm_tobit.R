# survival::survreg with a spread per arm, for tests/stats/test_arm_tobit.py:
#
#   Rscript tests/stats/reference/arm_tobit.R tests/stats/reference/arm_tobit.csv arm_tobit_R.csv
#
# arm_tobit.csv holds trial, lower, upper, base, treated (empty: open end). Newton's method of survreg
# ends in the maximum nearest to where it starts: it starts from several ratios of the spreads (the
# common fit divided by them), and the greatest log likelihood is kept, of the model with the arm
# (which = full) and without it (null).

library(survival)
arguments <- commandArgs(trailingOnly = TRUE)
values <- read.csv(arguments[1])
control <- survreg.control(rel.tolerance = 1e-13, maxiter = 500)

best <- function(formula, common, one) {
  found <- NULL
  for (weight in c(1, 4, 16, 1 / 4, 1 / 16)) {
    # the arms weighted against each other lead to the maximum of a ratio of spreads of their own
    one$w <- ifelse(one$treated == 1, weight, 1)
    weighted <- survreg(common, one, weights = w, dist = "gaussian", control = control)
    fit <- try(suppressWarnings(survreg(formula, one, dist = "gaussian", control = control,
                                        init = coef(weighted))), silent = TRUE)
    if (inherits(fit, "try-error")) next
    if (is.null(found) || tail(fit$loglik, 1) > tail(found$loglik, 1)) found <- fit
  }
  found
}

rows <- list()
for (trial in unique(values$trial)) {
  one <- values[values$trial == trial, ]
  one$response <- Surv(one$lower, one$upper, type = "interval2")
  full <- best(response ~ base + treated + strata(treated), response ~ base + treated, one)
  null <- best(response ~ base + strata(treated), response ~ base, one)
  rows[[trial]] <- data.frame(
    trial = trial, difference = coef(full)[["treated"]],
    spread_control = full$scale[[1]], spread_treated = full$scale[[2]],
    full = tail(full$loglik, 1), null = tail(null$loglik, 1)
  )
}
write.csv(format(do.call(rbind, rows), digits = 12), arguments[2], row.names = FALSE, quote = FALSE)
