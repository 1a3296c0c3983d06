/** Where the configuration lets unusual conduct go by. */
import type { Config } from './schema.ts'
import type { Weakness } from './weakness.ts'

/** Roles that administer cannot be locked out by accident; every other exemption is a hole. */
const ADMINISTERING: readonly string[] = ['admin', 'administrator']

/** Nothing by default. */
export function anomalyWeaknesses({ anomalies: { watch, exempt } }: Config): readonly Weakness[] {
  if (watch === 'off')
    return [{ path: 'anomalies.watch', word: 'off', meaning: 'Nobody is told when a caller behaves as it never did.' }]
  const meaning = 'However it behaves, it is never asked about, throttled or blocked.'
  const roles = exempt.roles.filter((role) => !ADMINISTERING.includes(role))
  return [
    ...roles.map((word) => ({ path: 'anomalies.exempt.roles', word, meaning })),
    ...exempt.principals.map((word) => ({ path: 'anomalies.exempt.principals', word, meaning })),
  ]
}
