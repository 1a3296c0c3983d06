import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'

/** The role whose bearers look after the gateway: they are served when others have to wait, and see how it fares. */
const ADMINISTRATOR = 'admin'

export const isAdministrator = (principal: Principal): boolean => principal.roles.includes(ADMINISTRATOR)

/** Check `policy.administrator`. To everybody else the path does not exist: throws `transport.not_found`. */
export const administrator: Check<Exchange & Authenticated> = {
  name: 'policy.administrator',
  check({ head, principal }) {
    if (!isAdministrator(principal))
      throw new Fault('transport.not_found', { path: head.path, reason: 'no administrator' })
  },
}
