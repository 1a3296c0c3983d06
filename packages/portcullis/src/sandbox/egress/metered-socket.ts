/**
 * A connection to the outside whose every byte is counted before it passes. There is no other way out of the egress, so
 * quota and idle time hold for tunnels, plain HTTP and opened TLS alike.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Meter } from './meter.ts'
import { Refused } from './refused.ts'

export interface MeteredOptions {
  /** The checked address at the other end. */
  readonly address: string
  readonly meter: Meter
  /** Without a byte in either direction. */
  readonly idleTimeoutMs: number
}

type Done = (error?: Error | null) => void

export class MeteredSocket extends Duplex {
  readonly address: string
  /** Why the egress itself ended it. */
  cut: 'quota' | 'idle' | undefined
  #untold = { sentBytes: 0, receivedBytes: 0 }
  readonly #socket: Socket
  readonly #meter: Meter
  readonly #idle: NodeJS.Timeout

  /** Takes a connected socket over. */
  constructor(socket: Socket, { address, meter, idleTimeoutMs }: MeteredOptions) {
    super({ allowHalfOpen: true })
    this.address = address
    this.#socket = socket
    this.#meter = meter
    this.#idle = setTimeout(() => this.#cutOff('idle'), idleTimeoutMs)
    // Whoever uses it hears of its end by `close`; an error that nobody listened for would end the gateway.
    this.on('error', () => {})
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
    // After a proper end there may be bytes that wait for a slow reader; this closes by itself when they are read.
    socket.on('close', () => !socket.readableEnded && this.destroy())
  }

  /** What was carried since this was called before: requests that share a connection share its bytes. */
  takeUntold(): { readonly sentBytes: number; readonly receivedBytes: number } {
    const untold = this.#untold
    this.#untold = { sentBytes: 0, receivedBytes: 0 }
    return untold
  }

  // What an Agent of Node does to sockets that it keeps. Time and life of this one have clocks and owners of their own.
  setKeepAlive(): void {}
  setTimeout(): void {}
  ref(): void {}
  unref(): void {}

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (this.#passes(chunk.length)) this.#socket.write(chunk, done)
    else done(new Refused('quota'))
  }

  /** The head and the body of a request leave in one packet. */
  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer' as BufferEncoding, done)
  }

  override _final(done: Done): void {
    this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#idle)
    this.#socket.destroy()
    done(error)
  }

  #receive(chunk: Buffer): void {
    if (!this.#meter.receive(chunk.length)) {
      this.#cutOff('quota')
      return
    }
    this.#untold.receivedBytes += chunk.length
    this.#idle.refresh()
    if (!this.push(chunk)) this.#socket.pause()
  }

  #passes(bytes: number): boolean {
    if (!this.#meter.send(bytes)) {
      this.cut ??= 'quota'
      return false
    }
    this.#untold.sentBytes += bytes
    this.#idle.refresh()
    return true
  }

  #cutOff(reason: 'quota' | 'idle'): void {
    if (this.destroyed) return
    this.cut ??= reason
    this.destroy(new Refused(reason))
  }
}
