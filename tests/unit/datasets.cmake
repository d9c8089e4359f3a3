weft_unit_test(dataset_csv weft_model ZLIB::ZLIB)
weft_unit_test(dataset_folder weft_model ZLIB::ZLIB PkgConfig::GD)
weft_unit_test(fetch weft_model weft_schemas_support ZLIB::ZLIB)
