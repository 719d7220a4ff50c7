package dev.chaperone.control.resource;

import java.util.Map;

/**
 * Reads resources that came from the operator, as strictly as those of a directory. A Secret is
 * refused: its values never travel.
 */
public final class ResourceDocuments {
  private static final int MAX_DOCUMENTS = 1_000;

  private ResourceDocuments() {}

  /**
   * Reads one connection or policy by itself.
   *
   * @param name what it is called in problems
   * @param json in UTF-8
   * @throws InvalidConfigurationException with every problem
   */
  public static Definitions readOne(String name, byte[] json) throws InvalidConfigurationException {
    ResourceReader reader = new ResourceReader(false);
    reader.read(name, json);
    try {
      return reader.definitions();
    } catch (InvalidConfigurationException e) {
      throw e.withoutPlaces();
    }
  }

  /**
   * Reads resources.
   *
   * @param documents JSON in UTF-8, by what it is called in problems
   * @throws InvalidConfigurationException with every problem of every document
   */
  public static ResourceSet read(Map<String, byte[]> documents)
      throws InvalidConfigurationException {
    ResourceReader reader = new ResourceReader(false);
    if (documents.size() > MAX_DOCUMENTS) {
      reader.problems().add(new Problem("resources", 0, 0, "", "are more than " + MAX_DOCUMENTS));
    } else {
      documents.forEach(reader::read);
    }
    try {
      return reader.finish("resources");
    } catch (InvalidConfigurationException e) {
      throw e.withoutPlaces();
    }
  }
}
