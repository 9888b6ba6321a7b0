// Health check of an image: exit 0 where the address given answers 2xx in time.
const TIMEOUT_MS = 2000;

const response = await fetch(process.argv[2], { signal: AbortSignal.timeout(TIMEOUT_MS) });
process.exitCode = response.ok ? 0 : 1;
