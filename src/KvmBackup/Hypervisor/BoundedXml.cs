using System.Xml;
using System.Xml.Linq;

namespace KvmBackup.Hypervisor;

/// <summary>Parses XML from outside: no external entities, bounded size and depth.</summary>
internal static class BoundedXml
{
    /// <summary>libvirt's own documents have about a dozen levels; a backing chain adds one for each layer.</summary>
    private const int DeepestLevel = 1000;
    private const int LargestCharacters = 32 << 20;

    /// <exception cref="XmlException">The text is not XML, or is too large or too deep.</exception>
    public static XElement Parse(string xml)
    {
        XmlReaderSettings settings = new()
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = LargestCharacters,
        };
        using (XmlReader scan = XmlReader.Create(new StringReader(xml), settings))
        {
            while (scan.Read())
            {
                if (scan.Depth > DeepestLevel)
                {
                    throw new XmlException($"it is deeper than {DeepestLevel} levels");
                }
            }
        }

        using XmlReader reader = XmlReader.Create(new StringReader(xml), settings);
        return XDocument.Load(reader).Root!;
    }
}
