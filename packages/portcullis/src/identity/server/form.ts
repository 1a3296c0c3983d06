/** Decides what counts as a form: URL-encoded, small, each field once. */
import type { Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Fields } from './sign-in-method.ts'

export const MAX_FORM_BYTES = 48 * 1024

/** Throws `message.too_large`, `transport.unsupported_media` and `message.malformed`. */
export async function readFields({ head, body }: Exchange): Promise<Fields> {
  const type = head.headers['content-type']
  if (typeof type !== 'string' || !/^application\/x-www-form-urlencoded(?:;|$)/i.test(type)) {
    throw new Fault('transport.unsupported_media', {}, { says: 'This must be a form.' })
  }
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams((await body.read(MAX_FORM_BYTES)).toString('utf8'))) {
    if (fields.has(name)) throw new Fault('message.malformed', { field: name }, { says: 'A field occurs twice.' })
    fields.set(name, value)
  }
  return fields
}
