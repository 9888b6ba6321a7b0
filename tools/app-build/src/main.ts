// A step of the image: `node tools/app-build/src/main.ts FOLDER` makes one program of a deployed app, in place of its dist/.
import { renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildPrograms } from './build-programs.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write('give the folder that `pnpm deploy` made\n');
  process.exit(64);
}
const app = resolve(folder);
const dist = join(app, 'dist');
const built = join(app, 'built');
await buildPrograms({ programs: { main: join(dist, 'main.js') }, folder: built });
rmSync(dist, { recursive: true });
renameSync(built, dist);
