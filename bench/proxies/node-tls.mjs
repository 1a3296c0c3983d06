// The yardstick: a bare reverse proxy as a Node programmer would write it for speed. node:https in front, an undici Pool
// behind, request bodies buffered, answers passed on chunk by chunk. It knows nothing of MCP and refuses nothing.
// Environment: PORT, UPSTREAM (origin), KEY_FILE, CERT_FILE, CONNECTIONS to the upstream.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { Pool } from 'undici'

const { PORT, UPSTREAM, KEY_FILE, CERT_FILE, CONNECTIONS = '256' } = process.env
const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'te', 'upgrade', 'expect'])
const pool = new Pool(UPSTREAM, { connections: Number(CONNECTIONS), pipelining: 1, bodyTimeout: 0 })
const identity = { key: readFileSync(KEY_FILE), cert: readFileSync(CERT_FILE), minVersion: 'TLSv1.3' }

createServer(identity, (request, response) => {
  let first = null
  let more = null
  request.on('data', (chunk) => {
    if (first === null) first = chunk
    else if (more === null) more = [first, chunk]
    else more.push(chunk)
  })
  request.on('end', () => forward(request, more === null ? first : Buffer.concat(more), response))
}).listen(Number(PORT), '127.0.0.1')

function forward(request, body, response) {
  const options = { path: request.url, method: request.method, headers: pick(request.headers, true), body }
  let controller
  response.on('close', () => {
    if (!response.writableFinished) controller?.abort(new Error('the client left'))
  })
  pool.dispatch(options, {
    onRequestStart(started) {
      controller = started
    },
    onResponseStart(_controller, status, headers) {
      response.writeHead(status, pick(headers, false))
    },
    onResponseData(reading, chunk) {
      if (response.write(chunk)) return
      reading.pause()
      response.once('drain', () => reading.resume())
    },
    onResponseEnd() {
      response.end()
    },
    onResponseError() {
      if (!response.headersSent) response.writeHead(502)
      response.end()
    },
  })
}

function pick(headers, isRequest) {
  const kept = {}
  for (const name in headers) {
    if (OF_THE_CONNECTION.has(name) || (isRequest && name === 'content-length')) continue
    kept[name] = headers[name]
  }
  return kept
}
