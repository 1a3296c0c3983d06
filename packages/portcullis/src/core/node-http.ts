/**
 * The module `node:http`, loaded without reading all that it offers. An import statement reads each export once, and three of
 * them (of the browsers' WebSocket) load a second HTTP client, which nobody here uses: 50 ms and 14 MB of each start.
 */
export const http = process.getBuiltinModule('node:http')
