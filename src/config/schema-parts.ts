import { z } from 'zod'

// What the parts of the schema share.

export const oneOrMany = <T extends z.ZodType>(item: T) => z.union([item, z.array(item).min(1)])
export const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
export const scalar = z.union([z.string(), z.number(), z.boolean()])
export const env = z.record(envName, scalar)
export const port = z.int().min(1).max(65535)
