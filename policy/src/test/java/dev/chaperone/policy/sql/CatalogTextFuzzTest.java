package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.List;

/** Files of catalogs: one that is read is written as a file that is read alike. */
class CatalogTextFuzzTest extends FuzzTest {

  @Override
  protected List<byte[]> seeds() {
    return texts(
        "chaperone catalog 2\nversion\t180000\nfingerprint\tx\nschema\tpublic\n"
            + "relation\t20001\tpublic\tt\tr\ncolumn\t20001\t1\tid\t23\nancestor\t20001\t20001\n",
        "chaperone catalog 2\nbuiltin\tlower\ttrue\nfunction\tpublic\tf\ttrue\tfalse\n"
            + "operator\tpublic\t||\ndomain\tpublic\td\ndomainholder\t20001\tpublic.d\n"
            + "cast\ta\tb\tf\ttrue\tfalse\ttrue\ncolumntype\t20001\tx\ntypepart\ta\tb\n",
        "chaperone catalog 2\nhidden\t20001\tREAD\tSELECT\tpublic.t\nsettingsview\t20001\n"
            + "generated\t20001\t1\tlower(a)\nview\t20001\tSELECT 1;\nrule\t20001\tx\\ty\\\\z\n"
            + "texttype\t20009\nopen\n");
  }

  @Override
  protected List<String> words() {
    return List.of("\t", "\n", "\\", "relation\t", "column\t", "view\t", "hidden\t", "WRITE", "-1");
  }

  @Override
  protected void fuzz(byte[] input) throws IOException {
    Catalog catalog;
    try {
      catalog = Catalog.read(new StringReader(new FuzzInput(input).text()));
    } catch (IOException e) {
      return;
    }
    String written = written(catalog);
    assertThat(written(Catalog.read(new StringReader(written)))).isEqualTo(written);
  }

  private static String written(Catalog catalog) throws IOException {
    StringWriter out = new StringWriter();
    catalog.write(out);
    return out.toString();
  }
}
