// Imports profiles with speedscope's own code, out of its published page: node speedscope_import.mjs RELEASE FILE…
// Prints a JSON list: of each file its profiles with name, weight and frames.
//
// The page's bundle keeps its importer to itself, so a name for it is put in front; what draws finds no document
// that answers, and stops after everything is defined.
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';

const [release, ...files] = process.argv.slice(2);
const name = fs.readdirSync(release).find((each) => /^speedscope-.*\.js$/.test(each));
const bundle = fs.readFileSync(path.join(release, name), 'utf8');
const importer = /loadFileFromBase64:\((\w+),(\w+)\)=>\{this\.loadProfile\(\(\)=>(\w+)\(\1,\2\)\)\}/.exec(bundle)[3];
const exposed = bundle.replace('(()=>{', () => `(()=>{globalThis.importProfile=(a,b)=>${importer}(a,b);`);

const answer = new Proxy(function () {}, {
  get: (_target, key) => (key === Symbol.toPrimitive ? () => '' : answer),
  set: () => true,
  apply: () => answer,
  construct: () => answer,
});
Object.assign(globalThis, {
  window: globalThis,
  document: answer,
  localStorage: answer,
  location: { hash: '', href: 'file:///speedscope/', pathname: '/', protocol: 'file:', search: '' },
  matchMedia: () => ({ matches: false, addListener() {}, addEventListener() {} }),
  addEventListener() {},
  HTMLElement: class {},
  HTMLCanvasElement: class {},
});
console.log = () => {};
try {
  vm.runInThisContext(exposed);
} catch {
  // Drawing, without a document.
}
const imported = [];
for (const file of files) {
  const group = await globalThis.importProfile(path.basename(file), fs.readFileSync(file).toString('base64'));
  if (group === null) throw new Error(`${file}: not recognised`);
  imported.push({
    name: group.name,
    shown: group.indexToView,
    profiles: group.profiles.map((profile) => {
      const frames = [];
      profile.forEachFrame((frame) =>
        frames.push([frame.name, frame.file ?? null, frame.line ?? null, frame.getSelfWeight(), frame.getTotalWeight()]),
      );
      return { name: profile.getName(), weight: profile.getTotalWeight(), unit: profile.getWeightUnit(), frames };
    }),
  });
}
process.stdout.write(JSON.stringify(imported), () => process.exit(0));
