/** A ledger of which the watch for anomalies hears what no request of a known caller tells: failed sign-ins, and what sandboxes send. */
import type { Watch } from '../anomalies/watch.ts'
import type { Ledger } from '../audit/ledger.ts'
import type { RecordBody } from '../audit/record.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'

/** Nothing that goes wrong in the watch keeps a record back. */
export function watchedLedger(
  ledger: Ledger,
  watch: Pick<Watch, 'sent' | 'stranger'>,
  networkOf: (address: string) => string,
  onFailure: (error: unknown) => void,
): Ledger {
  const hear = (tenant: string, body: RecordBody): void => {
    if (body.kind === 'refusal') {
      const isStranger = body.principal === undefined && body.code.startsWith('identity.')
      if (isStranger && !ASKED.has(body.code)) watch.stranger(networkOf(body.address), GATEWAY_TENANT, body.incident)
    } else if (body.kind === 'access' && body.access.kind === 'egress' && body.principal !== undefined) {
      const { sentBytes = 0 } = body.access
      if (sentBytes > 0) watch.sent(tenant, body.principal, sentBytes)
    }
  }
  return {
    intact: (tenant) => ledger.intact(tenant),
    append(tenant, body, placed) {
      try {
        hear(tenant, body)
      } catch (error) {
        onFailure(error)
      }
      return ledger.append(tenant, body, placed)
    },
  }
}

/** Whoever comes without a credential is told how to get one, and one whose proof lacks the nonce is given it: no guesses. */
const ASKED: ReadonlySet<string> = new Set(['identity.missing', 'identity.use_nonce', 'identity.unavailable'])
