import{g as o}from"./chunk-CIRYA6SR.js";function t(r){return o("h1",{children:"Workflows"})}export{t as Workflows};
