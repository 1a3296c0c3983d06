/** A witness that is a service: it gets the lines in a POST, and answers 2xx when it keeps them. */
import type { GuardedFetch } from '../../core/guarded-fetch.ts'
import { lineOf } from './statement.ts'
import type { Witness } from './witness.ts'

export interface HttpsWitnessOptions {
  readonly url: string
  readonly fetch: GuardedFetch
  /** Read for each request, because it may hold a token. */
  readonly headers: () => Readonly<Record<string, string>>
}

export function httpsWitness({ url, fetch, headers }: HttpsWitnessOptions): Witness {
  return {
    kind: 'https',
    async note(statements) {
      const body = `${statements.map(lineOf).join('\n')}\n`
      const sent = { 'content-type': 'application/x-ndjson', ...headers() }
      const { status } = await fetch(url, { method: 'POST', headers: sent, body })
      if (status < 200 || status > 299) throw new Error(`the witness answered ${status}`)
    },
    close: async () => {},
  }
}
