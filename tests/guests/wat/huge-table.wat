;; world: proxy
;; Declares a table of 100 million elements, which it never uses.
(module
  ;; include: respond.part
  (table 100000000 funcref)
  (data (i32.const 1024) "should not have started\n")
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (call $respond (local.get $out) (i32.const 1024) (i32.const 24))))
