import assert from 'node:assert/strict'
import { it } from 'node:test'
import { proxyVariables, trustIn } from '../../../src/sandbox/network/variables.ts'

it('announces the proxy under every name that programs know', () => {
  const proxy = 'http://127.0.0.1:3130'
  const local = 'localhost,127.0.0.1,::1'
  assert.deepEqual(proxyVariables(3130, ['API_KEY']), {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    ALL_PROXY: proxy,
    all_proxy: proxy,
    NO_PROXY: local,
    no_proxy: local,
    NODE_USE_ENV_PROXY: '1',
  })
})

it('leaves both cases of a name alone when the configuration lists one', () => {
  const names = Object.keys(proxyVariables(3128, ['https_proxy', 'NO_PROXY', 'NODE_USE_ENV_PROXY']))
  assert.deepEqual(names.sort(), ['ALL_PROXY', 'HTTP_PROXY', 'all_proxy', 'http_proxy'])
})

it('an opened network is trusted beside the authorities of the host', () => {
  const { variables, files } = trustIn('OURS', ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'], 'HOST')
  const added = variables['DENO_CERT'] ?? ''
  const replaced = variables['CURL_CA_BUNDLE'] ?? ''
  assert.deepEqual([files[added], files[replaced]], ['OURS', 'HOST\nOURS'])
  assert.ok(!('SSL_CERT_FILE' in variables) && !('NODE_EXTRA_CA_CERTS' in variables))
})
