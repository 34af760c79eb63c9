import sharp from 'sharp';

/** Strokes of some digits on a unit square, thick enough to see: what a person would draw with a mouse. */
const strokes = {
  0: 'M50 15 C20 15 20 85 50 85 C80 85 80 15 50 15 Z',
  1: 'M50 15 L50 85',
  4: 'M60 85 L60 15 L25 60 L75 60',
  7: 'M25 20 L75 20 L45 85',
} as const;

export type DrawnDigit = keyof typeof strokes;
export const drawnDigits: readonly DrawnDigit[] = [0, 1, 4, 7];

export interface Drawing {
  readonly width?: number;
  readonly height?: number;
  readonly ink?: string;
  /** Left out: transparent. */
  readonly paper?: string;
  /** Where the digit's square of 100 units lies in the picture of 200 by 200. */
  readonly at?: readonly [number, number];
  /** The pen's width in pixels of the picture; left out, what a mouse draws. */
  readonly pen?: number;
  readonly format?: 'png' | 'jpeg';
}

export async function draw(digit: DrawnDigit, drawing: Drawing = {}): Promise<Buffer> {
  const { width = 200, height = 200, ink = 'black', paper, at = [50, 50], format = 'png' } = drawing;
  const thickness = drawing.pen === undefined ? 11 : (drawing.pen * 200) / Math.min(width, height);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 200 200">
    ${paper ? `<rect x="-500" y="-500" width="1500" height="1500" fill="${paper}"/>` : ''}
    <path transform="translate(${at})" d="${strokes[digit]}" fill="none" stroke="${ink}" stroke-width="${thickness}"/></svg>`;
  const image = sharp(Buffer.from(svg));
  return format === 'png' ? image.png().toBuffer() : image.flatten().jpeg({ quality: 90 }).toBuffer();
}
