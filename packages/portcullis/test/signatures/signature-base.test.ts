/** The signature base and the four algorithms, held against the test cases of RFC 9421 and RFC 9530. */
import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isSignatureOf, type NamedKey, SIGNATURE_ALGORITHMS, signBytes } from '../../src/signatures/algorithms.ts'
import { checkContentDigest, contentDigest } from '../../src/signatures/content-digest.ts'
import { authorityOf, type HttpView } from '../../src/signatures/http-view.ts'
import { SignatureProblem } from '../../src/signatures/problem.ts'
import {
  type LabelledSignature,
  newInput,
  readSignatures,
  signatureBase,
  signatureFields,
} from '../../src/signatures/signature-input.ts'
import { component } from '../../src/signatures/component.ts'
import {
  BROKEN,
  DIGESTS,
  ED25519_PRIVATE_KEY,
  KEYS,
  SHARED_SECRET,
  TEST_REQUEST,
  type Vector,
  VECTORS,
} from './rfc-vectors.ts'

function keyOf({ key, algorithm }: Vector): NamedKey {
  const material =
    key === 'test-shared-secret' ? createSecretKey(Buffer.from(SHARED_SECRET, 'base64')) : createPublicKey(KEYS[key])
  return { id: key, algorithm, key: material }
}

function viewOf({ method, url, headers }: Vector['request'], response?: Vector['response']): HttpView {
  const { host, pathname, search, protocol } = new URL(url)
  const scheme = protocol === 'https:' ? 'https' : 'http'
  const target = {
    method,
    scheme,
    authority: authorityOf(host, scheme),
    path: pathname,
    query: search.slice(1),
  } as const
  const request: HttpView = { ...target, header: (name) => headers[name] }
  if (response === undefined) return request
  return { ...request, status: response.status, header: (name) => response.headers[name], request }
}

const read = ({ input, signature }: Vector) => readSignatures(input, signature)[0] as LabelledSignature

describe('RFC 9421', () => {
  for (const vector of VECTORS) {
    test(`${vector.section}: the base is the same to the byte, and the signature is good`, () => {
      const { input, signature } = read(vector)
      const base = signatureBase(input, viewOf(vector.request, vector.response))
      const params = vector.input.slice(vector.input.indexOf('=') + 1)
      assert.equal(base.toString('latin1'), [...vector.base, `"@signature-params": ${params}`].join('\n'))
      assert.equal(isSignatureOf(keyOf(vector), base, signature), true)
      base[0] = (base[0] as number) ^ 1
      assert.equal(isSignatureOf(keyOf(vector), base, signature), false)
    })
  }

  for (const vector of BROKEN) {
    test(`${vector.section}: the signature is not good any more`, () => {
      const { input, signature } = read(vector)
      assert.equal(isSignatureOf(keyOf(vector), signatureBase(input, viewOf(vector.request)), signature), false)
    })
  }

  test('B.2.5 and B.2.6 are made again to the byte, because both algorithms have one signature only', () => {
    for (const vector of VECTORS.filter(({ section }) => /^B\.2\.[56]/.test(section))) {
      const { label, input } = read(vector)
      const key =
        vector.algorithm === 'ed25519'
          ? { ...keyOf(vector), key: createPrivateKey(ED25519_PRIVATE_KEY) }
          : keyOf(vector)
      const made = signBytes(key, signatureBase(input, viewOf(vector.request)))
      const fields = signatureFields(label, input, made)
      assert.deepEqual(fields, { 'signature-input': vector.input, signature: vector.signature })
    }
  })
})

describe('RFC 9530', () => {
  for (const [body, field] of DIGESTS) {
    test(`${field.slice(0, 20)} is the digest of ${JSON.stringify(body)}, and of nothing else`, () => {
      checkContentDigest(field, Buffer.from(body))
      if (field.startsWith('sha-256')) assert.equal(contentDigest(body), field)
      assert.throws(() => checkContentDigest(field, Buffer.from(`${body} `)), SignatureProblem)
    })
  }

  const good = contentDigest('x')
  for (const [what, field] of [
    ['no digest', ''],
    ['only a deprecated one', 'md5=:nQoSDSmhd7lqQ6lQ5m5JDg==:'],
    ['a right one beside a wrong one', `${good}, sha-512=:AAAA:`],
    ['a text', 'sha-256="x"'],
    ['a list', 'sha-256=("x")'],
    ['a short one', 'sha-256=:AAAA:'],
    ['no dictionary', ':::'],
  ] as const) {
    test(`${what} is refused`, () => {
      assert.throws(() => checkContentDigest(field, Buffer.from('x')), SignatureProblem)
    })
  }

  test('a digest that nobody knows beside a right one does no harm', () => {
    checkContentDigest(`${good}, sha3-256=:AAAA:`, Buffer.from('x'))
  })
})

const NINE = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']

describe('parts of a message', () => {
  const view = viewOf(TEST_REQUEST)
  const base = (input: string, from: HttpView = view) =>
    signatureBase((readSignatures(`a=${input}`, 'a=:AA==:')[0] as LabelledSignature).input, from)

  for (const [what, input] of [
    ['a header that is not there', '("x-none")'],
    ['a derived part that does not exist', '("@body")'],
    ['a name in upper case', '("Date")'],
    ['the same part twice', '("date" "date")'],
    ['the same part twice in another order', '("signature";req;key="a" "signature";key="a";req)'],
    ['a trailer', '("date";tr)'],
    ['bytes of each line', '("date";bs)'],
    ['a part of no request', '("date";req)'],
    ['a status of a request', '("@status")'],
    ['a query parameter that is not there', '("@query-param";name="none")'],
    ['a query parameter without a name', '("@query-param")'],
    ['a member of what is no dictionary', '("date";key="a")'],
    ['a member of a derived part', '("@method";key="a")'],
    ['a token in place of a name', '(date)'],
    ['more parts than anybody needs', `(${Array.from({ length: 65 }, (_, at) => `"x-${at}"`).join(' ')})`],
  ] as const) {
    test(`${what} is refused`, () => assert.throws(() => base(input), SignatureProblem))
  }

  test('a query parameter that comes twice cannot be covered by its name', () => {
    const twice = viewOf({ ...TEST_REQUEST, url: 'https://example.com/foo?a=1&a=2' })
    assert.throws(() => base('("@query-param";name="a")', twice), SignatureProblem)
  })

  test('a header with a line break makes no second line', () => {
    const broken: HttpView = { ...view, header: () => 'x\n"@method": GET' }
    assert.throws(() => base('("x-any")', broken), SignatureProblem)
  })

  test('the usual port and the case of a host make no difference (RFC 9110 §4.2.3)', () => {
    assert.equal(authorityOf('EXAMPLE.com:443', 'https'), 'example.com')
    assert.equal(authorityOf('example.com:80', 'http'), 'example.com')
    assert.equal(authorityOf('example.com:443', 'http'), 'example.com:443')
  })

  for (const [what, input, signature] of [
    ['an input without its signature', 'a=()', 'b=:AA==:'],
    ['two of one and one of the other', 'a=(), b=()', 'a=:AA==:'],
    ['a signature that is a text', 'a=()', 'a="AA=="'],
    ['an input that is no list', 'a="x"', 'a=:AA==:'],
    ['nothing', '', ''],
    ['more than eight', NINE.map((one) => `${one}=()`).join(', '), NINE.map((one) => `${one}=:AA==:`).join(', ')],
    ['a very long one', `a=();x="${'y'.repeat(9_000)}"`, 'a=:AA==:'],
    ['what cannot be read', 'a=(', 'a=:AA==:'],
  ] as const) {
    test(`${what} is refused`, () => assert.throws(() => readSignatures(input, signature), SignatureProblem))
  }
})

test('what is written is read again, and any text is either read or refused', () => {
  const ascii = fc.string({ unit: 'binary-ascii', maxLength: 200 })
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '.', '"', '\\', ' ', ';', '='), maxLength: 40 }),
      (nonce) => {
        const input = newInput([component('@method'), component('signature', true, 'mcp')], { created: 1, nonce })
        const fields = signatureFields('mcp', input, Buffer.from('s'))
        const [again] = readSignatures(fields['signature-input'], fields.signature)
        assert.equal(again?.input.text, input.text)
        assert.equal(again?.input.parameters.get('nonce'), nonce)
      },
    ),
  )
  fc.assert(
    fc.property(ascii, ascii, (input, signature) => {
      try {
        readSignatures(input, signature)
      } catch (thrown) {
        assert.ok(thrown instanceof SignatureProblem, String(thrown))
      }
    }),
  )
})

test('each algorithm takes its own signatures and none of garbage', () => {
  const pairs = {
    ed25519: generateKeyPairSync('ed25519'),
    'ecdsa-p256-sha256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    'rsa-pss-sha512': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  }
  const secret = createSecretKey(randomBytes(32))
  const bytes = Buffer.from('what is signed')
  for (const algorithm of SIGNATURE_ALGORITHMS) {
    const { privateKey, publicKey } =
      algorithm === 'hmac-sha256' ? { privateKey: secret, publicKey: secret } : pairs[algorithm]
    const signature = signBytes({ id: 'k', algorithm, key: privateKey }, bytes)
    const check = (given: Buffer, over = bytes) => isSignatureOf({ id: 'k', algorithm, key: publicKey }, over, given)
    assert.equal(check(signature), true, algorithm)
    assert.equal(check(signature, Buffer.from('something else')), false, algorithm)
    for (const garbage of [Buffer.alloc(0), Buffer.alloc(64), Buffer.alloc(300, 1), signature.subarray(1)])
      assert.equal(check(garbage), false, algorithm)
  }
})
