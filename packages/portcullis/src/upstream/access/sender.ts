/** Decides how a credential that is not always the same gets onto a request: right before it is sent, and again when it was refused. */
import type { Cancellation } from '../../core/cancellation.ts'
import { Fault } from '../../core/fault.ts'
import type { HttpRequest } from '../http-pool.ts'
import type { BufferedResponse, HttpResponse } from '../http-response.ts'

/** What carries requests to an upstream; see `HttpPool.send`. */
export interface HttpSender {
  send(request: HttpRequest, cancellation?: Cancellation): Promise<HttpResponse>
}

/** The credential of one caller, or of the gateway itself, for one upstream. */
export interface CredentialSource {
  /** Name, value, name, value …. Throws `upstream.not_connected` when there is none, `upstream.unavailable` when it cannot be had now. */
  headers(): Promise<readonly string[]>
  /**
   * Hears that the upstream refused a request (401 or 403) with these headers. Says whether others are to be had, so that
   * it is worth to try once more. Throws as `headers` does.
   */
  refused(response: BufferedResponse, used: readonly string[]): Promise<boolean>
}

/** Sends with the credential of a source. A refused request was not carried out, so it may be sent once more. */
export class AuthorizedSender implements HttpSender {
  readonly #sender: HttpSender
  readonly #source: CredentialSource

  constructor(sender: HttpSender, source: CredentialSource) {
    this.#sender = sender
    this.#source = source
  }

  async send(request: HttpRequest, cancellation?: Cancellation): Promise<HttpResponse> {
    const used = await this.#source.headers()
    const response = await this.#sendWith(used, request, cancellation)
    if (response.kind === 'stream' || (response.status !== 401 && response.status !== 403)) return response
    if (!(await this.#source.refused(response, used))) return response
    return this.#sendWith(await this.#source.headers(), request, cancellation)
  }

  #sendWith(credential: readonly string[], request: HttpRequest, cancellation?: Cancellation): Promise<HttpResponse> {
    // The credential may have taken time to get: nothing is sent for a caller who has left meanwhile.
    if (cancellation?.cancelled === true) {
      return Promise.reject(new Fault('upstream.ended', { reason: 'cancelled', why: cancellation.reason }))
    }
    return this.#sender.send({ ...request, headers: [...request.headers, ...credential] }, cancellation)
  }
}
