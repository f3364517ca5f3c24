import { parseContent, parseMarkdown, renderMarkdown } from "./schema/content.ts";
import { randomContent, seededRandom } from "./test/support/random-document.ts";
import { isDeepStrictEqual as eq } from "node:util";
let bad=0; const N=Number(process.argv[2]??300), show=Number(process.argv[3]??6), from=Number(process.argv[4]??1);
const t=performance.now();
for(let seed=from;seed<from+N;seed++){ const doc=parseContent(randomContent(seededRandom(seed),1));
 let md="",back; try{ md=renderMarkdown(doc); back=parseMarkdown(md);}catch(e){ back=String(e)}
 if(!eq(doc,back)){ bad++; if(bad<=show) { const a=JSON.stringify(doc,null,1).split("\n"), b=(typeof back==="string"?back:JSON.stringify(back,null,1)).split("\n"); let i=0; while(a[i]===b[i]) i++; console.log("seed",seed,md.length<6000?md:"(long)","\n A:",a.slice(Math.max(0,i-3),i+4).join(" ").replace(/\s+/g," "),"\n B:",b.slice(Math.max(0,i-3),i+4).join(" ").replace(/\s+/g," "))} } }
console.log("bad",bad,"of",N,Math.round(performance.now()-t),"ms");
