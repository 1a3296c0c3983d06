// The yardsticks of idle streams over HTTP/2: a bare Node server that answers every request with an event stream and holds it. By
// requests and responses, as node-tls-stream.mjs does it, or by the interface below that, which keeps less of each.
// Environment: PORT, KEY_FILE, CERT_FILE, INTERFACE ('request' or 'stream').
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'

const { PORT, KEY_FILE, CERT_FILE, INTERFACE } = process.env
const identity = { key: readFileSync(KEY_FILE), cert: readFileSync(CERT_FILE), minVersion: 'TLSv1.3' }
const open = new Set()

function hold(incoming, outgoing) {
  incoming.resume()
  outgoing.write(':ok\n\n')
  open.add(outgoing)
  outgoing.on('close', () => open.delete(outgoing))
}

const server = createSecureServer(identity)
if (INTERFACE === 'stream') {
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream' })
    hold(stream, stream)
  })
} else {
  server.on('request', (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    hold(request, response)
  })
}
server.listen(Number(PORT), '127.0.0.1', 4_096)
