// The yardstick of idle streams: a bare Node TLS server that answers every request with an event stream and holds it.
// Environment: PORT, KEY_FILE, CERT_FILE.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const { PORT, KEY_FILE, CERT_FILE } = process.env
const identity = { key: readFileSync(KEY_FILE), cert: readFileSync(CERT_FILE), minVersion: 'TLSv1.3' }
const open = new Set()

createServer({ ...identity, requestTimeout: 0 }, (request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(':ok\n\n')
  open.add(response)
  response.on('close', () => open.delete(response))
}).listen(Number(PORT), '127.0.0.1', 4_096)
