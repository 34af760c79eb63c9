import { z } from 'zod';

const lowerName = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;

/** A model's or an alias's name: it becomes part of a path and of an image's tag, so only what is safe in both. */
const nameSchema = z
  .string()
  .regex(lowerName, 'use 1 to 64 of a-z 0-9 . _ - and start and end with a letter or a digit')
  .refine((name) => !name.includes('..'), 'two dots in a row are not allowed');

export const modelNameSchema = nameSchema.brand<'ModelName'>();
/** An alias never looks like a number, so that `mnist@7` is always a version. */
export const aliasNameSchema = nameSchema
  .refine((name) => !/^[0-9]+$/.test(name), 'a number names a version, not an alias')
  .brand<'AliasName'>();
export const versionSchema = z.int().min(1).max(999_999).brand<'Version'>();

export type ModelName = z.infer<typeof modelNameSchema>;
export type AliasName = z.infer<typeof aliasNameSchema>;
export type Version = z.infer<typeof versionSchema>;

/** A file's path inside a version: relative, of safe segments, so that nothing can escape a folder. */
export const filePathSchema = z
  .string()
  .max(200)
  .regex(
    /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/,
    'use a relative path of letters, digits . _ -',
  );
