// A TLS ClientHello of the tests' own making, so that every part of it can be wrong.

export interface HelloParts {
  readonly serverName?: string
  readonly extensions?: readonly (readonly [type: number, body: Buffer])[]
  /** Bytes of one record; default: all in one. */
  readonly recordBytes?: number
}

export function clientHello({ serverName, extensions = [], recordBytes }: HelloParts): Buffer {
  return records(handshake(helloBody(serverName, extensions)), recordBytes)
}

export function helloBody(serverName: string | undefined, extensions: HelloParts['extensions'] = []): Buffer {
  const all = serverName === undefined ? extensions : [[0, serverNames([serverName])] as const, ...extensions]
  return Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7), // random
    vector(1, Buffer.alloc(32)), // session id
    vector(2, Buffer.from([0x13, 0x01, 0x13, 0x02])),
    vector(1, Buffer.from([0])),
    vector(2, Buffer.concat(all.flatMap(([type, body]) => [uint(2, type), vector(2, body)]))),
  ])
}

export function serverNames(names: readonly string[], type = 0): Buffer {
  return vector(
    2,
    Buffer.concat(names.flatMap((name) => [Buffer.from([type]), vector(2, Buffer.from(name, 'latin1'))])),
  )
}

export function handshake(body: Buffer, type = 1): Buffer {
  return Buffer.concat([Buffer.from([type]), uint(3, body.length), body])
}

export function records(message: Buffer, recordBytes = message.length): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < message.length; at += recordBytes) {
    parts.push(Buffer.from([22, 3, 1]), vector(2, message.subarray(at, at + recordBytes)))
  }
  return Buffer.concat(parts)
}

export function vector(lengthBytes: number, body: Buffer): Buffer {
  return Buffer.concat([uint(lengthBytes, body.length), body])
}

function uint(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer
}
