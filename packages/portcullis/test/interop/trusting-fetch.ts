// How a client inside the test process trusts the test's authority without changing the process.

import { readFileSync } from 'node:fs'
import { Agent, fetch as undiciFetch } from 'undici'
import type { Place } from './target.ts'

/** A fetch that trusts the place's authority, and its end. */
export interface TrustingFetch {
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
  close(): Promise<void>
}

/** Makes the fetch; `close` destroys its connections. */
export function trustingFetch({ caFile }: Place): TrustingFetch {
  const dispatcher = new Agent({ connect: { ca: readFileSync(caFile) } })
  const call = undiciFetch as unknown as (url: string | URL, init: object) => Promise<Response>
  return { fetch: (url, init) => call(url, { ...init, dispatcher }), close: () => dispatcher.destroy() }
}
