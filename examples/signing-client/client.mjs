// Calls one tool through a gateway that wants signed requests, and believes only a signed answer. See README.md.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request as https } from 'node:https'
import { parseArgs } from 'node:util'
import { checkAnswer, checkMessage, signRequest, wanted } from './signatures.mjs'

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string' },
    ca: { type: 'string' },
    token: { type: 'string' },
    'key-id': { type: 'string' },
    key: { type: 'string' },
    'answer-key-id': { type: 'string' },
    'answer-key': { type: 'string' },
  },
})
const [tool, args = '{}'] = positionals
const VERSION = '2026-07-28'
const body = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: tool,
    arguments: JSON.parse(args),
    _meta: {
      'io.modelcontextprotocol/protocolVersion': VERSION,
      'io.modelcontextprotocol/clientInfo': { name: 'signing-client', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})
const nonce = randomBytes(18).toString('base64url')
const request = {
  method: 'POST',
  url: given.url,
  body,
  headers: {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${readFileSync(given.token, 'utf8').trim()}`,
    'mcp-protocol-version': VERSION,
    'mcp-method': 'tools/call',
    'mcp-name': tool,
    'accept-signature': wanted(nonce),
  },
}
const signed = signRequest(request, { keyId: given['key-id'], privateKey: readFileSync(given.key) })
const answer = await send()
const key = { keyId: given['answer-key-id'], publicKey: readFileSync(given['answer-key']), nonce }
console.log(JSON.stringify(believed()))

/** The response of the call; throws for anything that the gateway has not signed as the answer to this very request. */
function believed() {
  if (!String(answer.headers['content-type']).startsWith('text/event-stream')) {
    checkAnswer(answer, request, signed, key)
    return JSON.parse(answer.body)
  }
  const data = answer.body.split('\n').filter((line) => line.startsWith('data: {'))
  return data.map((line) => checkMessage(JSON.parse(line.slice(6)), signed, key)).at(-1)
}

function send() {
  return new Promise((resolve, reject) => {
    const outgoing = https(request.url, {
      method: request.method,
      headers: { ...signed.headers, 'content-length': Buffer.byteLength(body) },
      ...(given.ca && { ca: readFileSync(given.ca) }),
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      let received = ''
      response.setEncoding('utf8').on('data', (chunk) => (received += chunk))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: received }))
    })
    outgoing.end(body)
  })
}
