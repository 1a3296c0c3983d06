import type { Principal } from '../core/principal.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Processes } from './processes.ts'
import type { ShownTo } from './tenants.ts'

/** What the running gateway shows of itself to the room that administers it. */
export interface GatewayView {
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly processes: Pick<Processes, 'live'>
  readonly shownTo: ShownTo
}

/** Makes one document for the administrator who asks. */
export type AdminDocument = (asker: Principal) => Promise<object>

/** Makes the documents for administrators, by path. They are plain JSON and never hold a secret. */
export type Administration = (view: GatewayView) => ReadonlyMap<string, AdminDocument>
