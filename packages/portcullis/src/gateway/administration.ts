import type { Upstream } from '../upstream/upstream.ts'
import type { Processes } from './processes.ts'

/** What the running gateway shows of itself to the room that administers it. */
export interface GatewayView {
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly processes: Pick<Processes, 'live'>
}

/** Makes the documents for administrators, by path. They are plain JSON and never hold a secret. */
export type Administration = (view: GatewayView) => ReadonlyMap<string, () => Promise<object>>
