/** What a person is asked and answers becomes records: before the question leaves, and before anything follows from the answer. */
import { approvalBody, tenantOf } from '../audit/facts.ts'
import type { Ledger } from '../audit/ledger.ts'
import { Fault } from '../core/fault.ts'
import type { ApprovalWitness, Asked } from '../upstream/relay/approval.ts'

/** Its promises reject with `audit.unavailable`: what cannot be recorded is neither asked nor approved. */
export function approvalWitness(ledger: Ledger): ApprovalWitness {
  const append = async (exchange: Asked, body: ReturnType<typeof approvalBody>): Promise<void> => {
    const tenant = tenantOf(exchange)
    if (!ledger.intact(tenant)) throw new Fault('audit.unavailable', { tenant })
    await ledger.append(tenant, body)
  }
  return {
    proposed: (exchange, approval) => append(exchange, approvalBody(exchange, approval)),
    decided: (exchange, approval, answer) => append(exchange, approvalBody(exchange, approval, answer)),
  }
}
