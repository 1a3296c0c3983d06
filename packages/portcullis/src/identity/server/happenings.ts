/** Hears what the protocol library tells of its requests by events, and keeps it with the request that it concerns. */
import type { EventEmitter } from 'node:events'
import type { Provider } from 'oidc-provider'

export interface Notes {
  /** Why it refused, in more words than the caller gets. */
  reason?: string
  /** The client that it refused. */
  client?: string
  /** A mistake of its own, or of ours. */
  failure?: unknown
  /** Consents of a browser that has signed out. */
  endedGrants?: readonly string[]
}

type Context = { readonly req: object; readonly oidc?: { readonly client?: { readonly clientId: string } } }

interface EndedSession {
  readonly destroyed?: boolean
  readonly authorizations?: Readonly<Record<string, { readonly grantId?: string }>>
}

const REFUSALS = [
  'authorization.error',
  'device_authorization.error',
  'code_verification.error',
  'device_resume.error',
  'grant.error',
  'introspection.error',
  'pushed_authorization_request.error',
  'registration_create.error',
  'revocation.error',
  'end_session.error',
  'end_session_confirm.error',
] as const

export class Happenings {
  readonly #notes = new WeakMap<object, Notes>()

  constructor(provider: Provider) {
    const listening: EventEmitter = provider
    const onRefusal = (context: Context, error: Error & { readonly error_detail?: string }) => {
      const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
      const client = context.oidc?.client?.clientId
      const reason = `${error.error_detail ?? error.message}${cause}`
      this.#note(context, { reason, ...(client !== undefined && { client }) })
    }
    for (const name of REFUSALS) listening.on(name, onRefusal as () => void)
    const onFailure = (context: Context, failure: unknown) => this.#note(context, { failure })
    listening.on('server_error', onFailure as () => void)
    const onSignOut = (context: Context & { readonly oidc: { readonly session?: EndedSession } }) => {
      const { destroyed, authorizations = {} } = context.oidc.session ?? {}
      const granted = Object.values(authorizations).flatMap(({ grantId }) => grantId ?? [])
      if (destroyed === true) this.#note(context, { endedGrants: granted })
    }
    listening.on('end_session.success', onSignOut as () => void)
  }

  of(request: object): Notes {
    return this.#notes.get(request) ?? {}
  }

  #note({ req }: Context, notes: Notes): void {
    this.#notes.set(req, { ...this.#notes.get(req), ...notes })
  }
}
