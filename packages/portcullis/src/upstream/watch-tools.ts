import { Cancellation } from '../core/cancellation.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import type { Link } from './link.ts'
import { gatewayEnvelope } from './probe.ts'

const FIRST_WAIT_MS = 1_000
const MAX_WAIT_MS = 60_000

/**
 * Subscribes to changes of a modern upstream's tools for as long as its link stands; a legacy one sends them unasked.
 * A subscription that ends is opened again, ever more slowly; until then the catalogue's time to live has to do.
 */
export function watchTools(link: Link, gateway: Params, changed: () => void): void {
  const tools = link.server.capabilities['tools']
  if (link.era !== 'modern' || !isRecord(tools) || tools['listChanged'] !== true) return
  void watch(link, gateway, changed)
}

async function watch(link: Link, gateway: Params, changed: () => void): Promise<void> {
  const params = { _meta: gatewayEnvelope(gateway), notifications: { toolsListChanged: true } }
  const request = { id: 'watch-tools', method: 'subscriptions/listen', params }
  const events = {
    notify: (message: { readonly method: string }) => {
      if (message.method === 'notifications/tools/list_changed') changed()
    },
    ask: () => Promise.reject(new Error('a modern upstream asks nothing')),
  }
  for (let waitMs = FIRST_WAIT_MS; !link.closed; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    await link.request(request, events, new Cancellation()).catch(() => {})
    if (link.closed) return
    await new Promise((resolve) => setTimeout(resolve, waitMs).unref())
    changed()
  }
}
