import sharp from 'sharp';
import { RequestError } from '../errors.ts';

/** Grey values row by row, 0 black to 1 white. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Float32Array;
}

/** A photo of a good phone; what a small file can claim to unfold into is bounded by it. */
const maxPixels = 50_000_000;
/** More than enough for what is reduced to a few pixels, little enough to look at each pixel. */
const workingSide = 512;

/** Only what is meant is decoded: sharp would also read SVG, TIFF and more. */
export function isImage(file: Uint8Array): boolean {
  return (
    startsWith(file, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) || startsWith(file, [0xff, 0xd8, 0xff])
  );
}

function startsWith(file: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => file[i] === byte);
}

/** @throws RequestError 400 for a broken image or one of too many pixels. */
export async function decodeImage(file: Uint8Array): Promise<GreyImage> {
  try {
    const { data, info } = await sharp(file, { limitInputPixels: maxPixels, failOn: 'error' })
      .autoOrient() // photos lie on their side and say so
      .resize(workingSide, workingSide, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, pixels: flatten(data) };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : '';
    throw new RequestError(400, `the image can't be decoded: ${reason?.slice(0, 200)}`);
  }
}

/**
 * Transparent pixels take the shade that what is drawn stands out from: white strokes without a background would
 * vanish on white.
 */
function flatten(rgba: Uint8Array): Float32Array {
  const grey = new Float32Array(rgba.length / 4);
  let light = 0;
  let opacity = 0;
  for (let i = 0; i < grey.length; i++) {
    const [r = 0, g = 0, b = 0, a = 0] = rgba.subarray(4 * i, 4 * i + 4);
    grey[i] = (0.299 * r + 0.587 * g + 0.114 * b) / 255; // luma, ITU-R BT.601
    light += (grey[i] ?? 0) * a;
    opacity += a;
  }
  const ground = light > 0.5 * opacity ? 0 : 1;
  return grey.map((value, i) => {
    const alpha = (rgba[4 * i + 3] ?? 0) / 255;
    return alpha * value + (1 - alpha) * ground;
  });
}
