/** Decides what operators read of an error of a receiver, a file or the network: enough to act, nothing that was sent. */
import { scrubText } from '../scrub.ts'
import { SinkError } from './sink.ts'

const MAX_LENGTH = 200

export function problemOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'unknown'
  const code = codeOf(thrown)
  const cause = thrown instanceof SinkError && thrown.cause instanceof Error ? thrown.cause : undefined
  const reason = code ?? codeOf(cause) ?? cause?.message
  const text =
    reason === undefined || thrown.message.includes(reason) ? thrown.message : `${thrown.message} (${reason})`
  return scrubText(text).slice(0, MAX_LENGTH)
}

const codeOf = (error: NodeJS.ErrnoException | undefined): string | undefined => error?.code
