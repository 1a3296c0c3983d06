/** Lists where telemetry gives up a guarantee. */
import type { Config } from './schema.ts'
import type { Weakness } from './weakness.ts'

export function telemetryWeaknesses({ telemetry }: Pick<Config, 'telemetry'>): readonly Weakness[] {
  if (telemetry === undefined) return []
  const { plaintext, principals, tenants, traces } = telemetry
  const found: Weakness[] = []
  const add = (path: string, word: string, meaning: string) => found.push({ path: `telemetry.${path}`, word, meaning })
  if (plaintext !== undefined)
    add('plaintext', plaintext, 'Programs on this machine can read the telemetry, and the token for the collector.')
  if (principals === 'named') add('principals', 'named', 'Whoever reads the traces knows who has called what.')
  if (tenants === 'named') add('tenants', 'named', 'Whoever reads the telemetry knows which tenant has called what.')
  if (traces === undefined) return found
  if (traces.sampling.callers === 'trusted')
    add(
      'traces.sampling.callers',
      'trusted',
      'A caller decides which of its calls are traced, and can use up all that are.',
    )
  for (const kind of ['arguments', 'results'] as const)
    for (const tool of traces.content[kind])
      add(`traces.content.${kind}`, tool, `Whoever reads the traces reads the ${kind} of this tool.`)
  return found
}
