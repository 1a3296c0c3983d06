/** JSON-RPC 2.0 messages as MCP uses them, already known to have the right shape. Unknown members stay where they are. */
export type Id = string | number
export type Params = { readonly [name: string]: unknown }

export interface Request {
  readonly jsonrpc: '2.0'
  readonly id: Id
  readonly method: string
  readonly params?: Params
  readonly [member: string]: unknown
}

export interface Notification {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: Params
  readonly [member: string]: unknown
}

export interface ResultResponse {
  readonly jsonrpc: '2.0'
  readonly id: Id
  readonly result: Params
  readonly [member: string]: unknown
}

export interface ErrorResponse {
  readonly jsonrpc: '2.0'
  readonly id?: Id
  readonly error: { readonly code: number; readonly message: string; readonly data?: unknown }
  readonly [member: string]: unknown
}

export type Response = ResultResponse | ErrorResponse
export type Message = Request | Notification | Response

/** Modern: 2026-07-28, every request carries its envelope. Legacy: the 2025 revisions, with initialize and sessions. */
export type Era = 'modern' | 'legacy'

export const isRequest = (message: Message): message is Request => 'method' in message && 'id' in message
export const isNotification = (message: Message): message is Notification => 'method' in message && !('id' in message)
export const isResponse = (message: Message): message is Response => !('method' in message)
export const isError = (response: Response): response is ErrorResponse => 'error' in response

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
