// A worker thread doesn't inherit what runs TypeScript in the main one.
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
