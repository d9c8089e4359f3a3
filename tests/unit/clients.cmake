weft_unit_test(clients_statistics weft_clients)
weft_unit_test(clients_sending weft_clients PkgConfig::GD ZLIB::ZLIB)
weft_unit_test(clients_printing weft_clients)
