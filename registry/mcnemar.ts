/**
 * McNemar's exact test: two models answered the same questions; `onlyFirst` were answered rightly by the first
 * alone, `onlySecond` by the second alone. Were they equally good, each such question would have fallen to either
 * with probability 1/2, so the smaller count follows Binomial(n, 1/2) with n = onlyFirst + onlySecond:
 *
 *     p = min(1, 2 * sum over k = 0..min(onlyFirst, onlySecond) of C(n, k) / 2^n)
 *
 * Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
 * Psychometrika 12 (1947) 153-157; the exact two-sided form as in M. P. Fay, "Two-sided exact tests and matching
 * confidence intervals for discrete data", The R Journal 2 (2010) 53-58.
 *
 * @returns the two-sided p-value, in [0, 1].
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond;
  const smaller = Math.min(onlyFirst, onlySecond);

  // In logarithms: 2^-n is zero as a double from n = 1075 on.
  let logTerm = -n * Math.LN2;
  const logTerms = [logTerm];
  for (let k = 0; k < smaller; k++) {
    logTerm += Math.log((n - k) / (k + 1)); // C(n, k + 1) = C(n, k) (n - k) / (k + 1)
    logTerms.push(logTerm);
  }
  const tail = logTerms.reduce((sum, each) => sum + Math.exp(each), 0);
  return Math.min(1, 2 * tail);
}
