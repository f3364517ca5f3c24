import * as Y from "yjs"; import { contentToYUpdate, yDocToContent } from "./schema/yjs-content.ts"; import { parseContent, plainText, renderMarkdown, parseMarkdown, renderHtml } from "./schema/content.ts";
// 260k keystrokes at random places of one paragraph
const src=new Y.Doc(); const f=src.getXmlFragment("default"); const p=new Y.XmlElement("paragraph"); f.insert(0,[p]); const t=new Y.XmlText(); p.insert(0,[t]);
let r=1; const rnd=()=>((r=(r*48271)%2147483647)/2147483647);
src.transact(()=>{ let pos=0; for(let i=0;i<260000;i++){ if(i%20===0) pos=Math.floor(rnd()*t.length); t.insert(pos++,"a"); } });
const doc=new Y.Doc(); Y.applyUpdate(doc,Y.encodeStateAsUpdate(src));
for(let k=0;k<3;k++){const a=performance.now(); const j=yDocToContent(doc); console.log("random-edit 260k",Math.round(performance.now()-a),"ms",plainText(j).length);}
// formatted
src.transact(()=>{ for(let i=0;i<10000;i++) t.format(Math.floor(rnd()*259000),10,rnd()<.5?{bold:{}}:{italic:{}}) });
const doc2=new Y.Doc(); Y.applyUpdate(doc2,Y.encodeStateAsUpdate(src));
let j; for(let k=0;k<3;k++){const a=performance.now(); j=yDocToContent(doc2); console.log("10k marks",Math.round(performance.now()-a),"ms",j.content[0].content.length);}
const big={type:"doc",content:Array.from({length:2000},(_,i)=>({type:"paragraph",content:[{type:"text",text:"Hello world this is text number "+i+" and more and more text to come. ".repeat(2)},{type:"text",text:"bold",marks:[{type:"bold"}]}]}))};
const T=(n,f)=>{const a=performance.now(); const x=f(); console.log(n,Math.round(performance.now()-a),"ms"); return x};
const c=T("parseContent",()=>parseContent(big)); const u=T("toY",()=>contentToYUpdate(c)); const d=new Y.Doc(); Y.applyUpdate(d,u); T("yDocToContent 2000 blocks",()=>yDocToContent(d)); T("yDocToContent",()=>yDocToContent(d)); const md=T("md",()=>renderMarkdown(c)); console.log(md.length); T("parse",()=>parseMarkdown(md)); T("html",()=>renderHtml(c));
T("md 10k marks",()=>renderMarkdown(j).length);
