import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'

/** Roles whose bearers look after the gateway: they are served when others have to wait, and see how it fares. */
const ADMINISTRATORS: readonly string[] = ['admin', 'administrator']

export const isAdministrator = ({ roles }: Principal): boolean => roles.some((role) => ADMINISTRATORS.includes(role))

/** Check `policy.administrator`. To whom it does not admit the path does not exist: throws `transport.not_found`. */
export const administrator = (admits: (principal: Principal) => boolean): Check<Exchange & Authenticated> => ({
  name: 'policy.administrator',
  check({ head, principal }) {
    if (!admits(principal)) throw new Fault('transport.not_found', { path: head.path, reason: 'no administrator' })
  },
})
