/** What the gateway says of itself to upstreams and in its records. */
export const VERSION = '0.1.0'
export const PRODUCT = { name: 'portcullis', title: 'Portcullis', version: VERSION } as const
