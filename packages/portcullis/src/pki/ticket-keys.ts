/**
 * Decides for how long a TLS session can be resumed: whoever has the key of its ticket could read one of TLS 1.2, and pass for its
 * client, so keys live for an hour and in memory alone. A ticket of an older key means a full handshake, nothing worse.
 */
import { randomBytes } from 'node:crypto'

/** Milliseconds after which tickets get another key. */
export const TICKET_KEY_MS = 3_600_000

/** A name, an authentication key and an encryption key (RFC 5077 §4), 16 bytes each, as `setTicketKeys` takes them. */
export const freshTicketKeys = (): Buffer => randomBytes(48)
