/** Makes every path of `audit.witness` absolute. */
import type { Config, SecretSource, WitnessConfig } from './schema.ts'

type At = (path: string) => string

export const anchorWitnesses = (witness: Config['audit']['witness'], at: At): Config['audit']['witness'] =>
  Object.fromEntries(Object.entries(witness).map(([name, one]) => [name, anchorWitness(one, at)]))

function anchorWitness(witness: WitnessConfig, at: At): WitnessConfig {
  const { file, git, https, timestamp } = witness
  const ca = (value: string | undefined) => (value === undefined ? {} : { ca: at(value) })
  return {
    ...witness,
    ...(file && { file: { ...file, path: at(file.path) } }),
    ...(git && { git: { ...git, repository: at(git.repository) } }),
    ...(https && { https: { ...https, ...ca(https.ca), headers: anchorHeaders(https.headers, at) } }),
    ...(timestamp && {
      timestamp: {
        ...timestamp,
        ...ca(timestamp.ca),
        authorities: at(timestamp.authorities),
        path: at(timestamp.path),
      },
    }),
  }
}

const anchorHeaders = (headers: Readonly<Record<string, SecretSource>>, at: At) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, source]) => [
      name,
      source.file === undefined ? source : { file: at(source.file) },
    ]),
  )
