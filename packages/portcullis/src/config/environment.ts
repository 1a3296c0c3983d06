/** The only home of `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of this process. Pass it on as a value. */
export function processEnvironment(): Environment {
  return process.env
}
