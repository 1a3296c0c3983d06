/** Decides which answers carry a receipt: results of calls, whose records are durable by then. */
import type { Answer } from '../core/exchange.ts'
import { isBulky, isWide } from '../core/bulk.ts'
import type { Call } from '../mcp/call.ts'
import { digestInTurns, digestOf } from '../mcp/canonical.ts'
import { isRecord } from '../mcp/message.ts'
import type { Placed } from './chain.ts'
import { argumentsDigest, digestOfBulk, tenantOf, type Witnessed } from './facts.ts'
import { RECEIPT, type Receipts, withoutReceipt } from './receipt.ts'

/** The answer with its receipt, or as it is: errors, and results with over a thousand members of their own, have none. */
export async function giveReceipt(
  receipts: Pick<Receipts, 'issue'>,
  exchange: Witnessed & { readonly call: Call },
  answer: Answer,
  { sequence, hash, at }: Placed,
): Promise<Answer> {
  const { message } = answer
  if (message === undefined || !isRecord(message.result) || isWide(message.result)) return answer
  const result = withoutReceipt(message.result)
  const receipt = await receipts.issue({
    ...{ tenant: tenantOf(exchange), incident: exchange.incident, sequence, hash, at },
    arguments: (await digestOfBulk(exchange.call)) ?? argumentsDigest(exchange.call),
    result: isBulky(result) ? await digestInTurns(result) : digestOf(result),
  })
  const _meta = { ...(isRecord(result['_meta']) && result['_meta']), [RECEIPT]: receipt }
  return { ...answer, message: { ...message, result: { ...result, _meta } } }
}
