/** Where the configuration lets unusual conduct go by. */
import type { Config } from './schema.ts'
import type { Weakness } from './weakness.ts'

/** Roles that administer cannot be locked out by accident; every other exemption is a hole. */
const ADMINISTERING: readonly string[] = ['admin', 'administrator']

/** In these an alert is what follows at least, unless the configuration says less. */
const ALERTED = ['medium', 'high', 'critical'] as const

/** Nothing by default. */
export function anomalyWeaknesses({ anomalies: { watch, answers, exempt } }: Config): readonly Weakness[] {
  if (watch === 'off')
    return [{ path: 'anomalies.watch', word: 'off', meaning: 'Nobody is told when a caller behaves as it never did.' }]
  const meaning = 'However it behaves, it is never asked about, throttled or blocked.'
  const roles = exempt.roles.filter((role) => !ADMINISTERING.includes(role))
  const unheard = 'Conduct of this level is on no record, and nobody is told of it.'
  return [
    ...ALERTED.filter((level) => answers[level] === 'note').map((level) => ({
      ...{ path: `anomalies.answers.${level}`, word: 'note', meaning: unheard },
    })),
    ...roles.map((word) => ({ path: 'anomalies.exempt.roles', word, meaning })),
    ...exempt.principals.map((word) => ({ path: 'anomalies.exempt.principals', word, meaning })),
  ]
}
