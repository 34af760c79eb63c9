/** The page's colours. `theme.test.ts` holds every pair of text and ground to a contrast of 4.5 (WCAG 2.2, AA). */
export interface Theme {
  readonly page: string;
  readonly surface: string;
  readonly ink: string;
  readonly muted: string;
  readonly line: string;
  readonly accent: string;
  readonly accentSoft: string;
  /** Errors at their most frequent; fewer are mixed with `surface`. */
  readonly heat: string;
  readonly bad: string;
  readonly badSoft: string;
  readonly warning: string;
  readonly warningInk: string;
  readonly warningLine: string;
}

export const light: Theme = {
  page: '#fafaf8',
  surface: '#ffffff',
  ink: '#15191e',
  muted: '#59616b',
  line: '#e2e4e7',
  accent: '#0b5cad',
  accentSoft: '#e6eff8',
  heat: '#f4995c',
  bad: '#a8321a',
  badSoft: '#fbeae5',
  warning: '#fff0c7',
  warningInk: '#523600',
  warningLine: '#d99a00',
};

export const dark: Theme = {
  page: '#101317',
  surface: '#171b20',
  ink: '#e8ebee',
  muted: '#a3acb6',
  line: '#2c3239',
  accent: '#74b4fb',
  accentSoft: '#17293d',
  heat: '#9b4512',
  bad: '#ffa48f',
  badSoft: '#3b1d16',
  warning: '#362a07',
  warningInk: '#ffdf8c',
  warningLine: '#c99510',
};
