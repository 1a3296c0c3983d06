/** Lists where exporters give up a guarantee. */
import type { Config } from './schema.ts'
import type { Weakness } from './weakness.ts'

export function exporterWeaknesses({ exporters }: Config): readonly Weakness[] {
  return Object.entries(exporters).flatMap(([name, { syslog, otlp, webhook }]): readonly Weakness[] => {
    const plaintext = (otlp ?? webhook)?.plaintext
    const at = `exporters.${name}`
    const overPlain = 'Programs on this machine can read the records that leave, and change them.'
    const unanswered = 'Records that were on their way are lost when the connection to the receiver breaks.'
    return [
      ...(plaintext === undefined
        ? []
        : [{ path: `${at}.${otlp ? 'otlp' : 'webhook'}.plaintext`, word: plaintext, meaning: overPlain }]),
      ...(syslog?.acknowledgement === 'written'
        ? [{ path: `${at}.syslog.acknowledgement`, word: 'written', meaning: unanswered }]
        : []),
    ]
  })
}
